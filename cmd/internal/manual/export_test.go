package manual

// Odd is the page of everything that is long, for tests from outside.
func Odd() *Page { return odd() }
