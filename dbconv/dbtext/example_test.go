package dbtext_test

import (
	"fmt"
	"io"
	"log"
	"strings"

	"imsconv/dbconv/dbtext"
)

// A line is missing: what could be a value and a key is left out.
func ExampleSurvey() {
	const text = `VERSION=3
format=print
type=btree
HEADER=END
 anna
 1
 bob
 carl
 3
 dora
 4
 eva
 5
DATA=END
`
	open := func() (io.Reader, error) { return strings.NewReader(text), nil }
	plan, err := dbtext.Survey(open, nil)
	if err != nil {
		log.Fatal(err)
	}
	r := dbtext.NewReader(strings.NewReader(text))
	r.Follow(plan)
	if _, err := r.Begin(); err != nil {
		log.Fatal(err)
	}
	for rec, err := range r.All() {
		if err != nil {
			fmt.Println("left out:", err)
			continue
		}
		fmt.Printf("%s %s\n", rec.Key, rec.Value)
	}
	// Output:
	// left out: line 5: unreadable item: up to line 11 left out: lines are missing or there are too many: what is a key and what a value is not sure
	// eva 5
}
