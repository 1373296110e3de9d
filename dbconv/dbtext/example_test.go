package dbtext_test

import (
	"errors"
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
			var at *dbtext.LineError
			if errors.As(err, &at) {
				fmt.Println("left out:", at.Position())
			}
			continue
		}
		fmt.Printf("%s %s\n", rec.Key, rec.Value)
	}
	// Output:
	// left out: line 5
	// eva 5
}
