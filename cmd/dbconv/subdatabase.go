package main

// subName is the flag that names a sub-database. The empty name is one too, so
// that a flag not given is nil.
type subName struct{ name *string }

// String is the name, "" when there is none.
func (s *subName) String() string {
	if s.name == nil {
		return ""
	}
	return *s.name
}

// Set takes the name.
func (s *subName) Set(text string) error {
	s.name = &text
	return nil
}

// Type is the word for the value in help.
func (s *subName) Type() string { return "NAME" }
