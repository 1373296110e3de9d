package flags

// Text is a text that is checked as the command line is read.
type Text struct {
	Value string
	check func(string) error
	kind  string
}

// NewText makes a text with a default, which is not checked; kind names it in
// help texts.
func NewText(value, kind string, check func(string) error) Text { return Text{value, check, kind} }

// String returns the text.
func (t *Text) String() string { return t.Value }

// Set takes a text.
func (t *Text) Set(text string) error {
	err := t.check(text)
	if err == nil {
		t.Value = text
	}
	return err
}

// Type names the value in help texts.
func (t *Text) Type() string { return t.kind }
