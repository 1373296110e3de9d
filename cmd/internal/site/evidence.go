package site

import (
	"fmt"
	"strings"

	"imsconv/cmd/internal/cli"
)

// Evidence is how a look at a folder knows what it says of a site.
type Evidence struct {
	// Found are the things that lie in the folder, in the order of their names.
	Found []Finding
	// How says how the value of a key is known, by the name of the key.
	How map[string]string
	// Others are values of a key that were not chosen, by the name of the key.
	Others map[string][]string
	// Warnings are what an administrator should look at.
	Warnings []Doubt
}

// Finding is one thing that lies in the folder.
type Finding struct {
	Name string // below the folder; "." is the folder itself
	What string // "a directory export of SIMS"; why it is passed over
	Text string // numbers, where they were counted; "" else
	Used bool   // whether an input of the site is it
}

// Doubt is a warning.
type Doubt struct{ Kind, Where, Text string }

func newEvidence() *Evidence {
	return &Evidence{How: map[string]string{}, Others: map[string][]string{}}
}

func (e *Evidence) doubt(kind, where, format string, args ...any) {
	e.Warnings = append(e.Warnings, Doubt{kind, where, fmt.Sprintf(format, args...)})
}

// use marks what is found under a name as an input.
func (e *Evidence) use(name string) {
	for i := range e.Found {
		if e.Found[i].Name == name {
			e.Found[i].Used = true
		}
	}
}

// shown is a text that may have anything in it, in one line.
func shown(text string) string {
	if !fits(text) {
		return fmt.Sprintf("%q", text)
	}
	return text
}

// few lists some of many.
func few(list []string) string {
	const most = 5
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
}

// sizeText writes a size in the largest unit that leaves a number below 1,024.
func sizeText(n int64) string {
	const units = "KMGTP"
	if n < 1<<10 {
		return cli.Counted(n, "byte", "bytes")
	}
	size, unit := float64(n)/(1<<10), 0
	for size >= 1<<10 && unit < len(units)-1 {
		size, unit = size/(1<<10), unit+1
	}
	return fmt.Sprintf("%.1f %ciB", size, units[unit])
}
