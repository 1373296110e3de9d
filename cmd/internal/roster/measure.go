package roster

// Measures are the words that say what lists are made even by.
func Measures() []string { return []string{string(Sizes), string(Quota), string(Count)} }
