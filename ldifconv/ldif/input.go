package ldif

import "io"

// Input is one file of an export that lies in several.
type Input struct {
	// Name is its name in positions.
	Name string
	io.Reader
}
