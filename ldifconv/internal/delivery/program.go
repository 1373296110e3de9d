package delivery

import "strings"

// MaxCommand is the longest command line, in bytes, that gets a name.
const MaxCommand = 4096

// ClosesQuotes reports whether every quote of a command line has its other.
func ClosesQuotes(command string) bool {
	for command != "" {
		_, end, closed := CutWord(command)
		if !closed {
			return false
		}
		command = command[min(end+1, len(command)):]
	}
	return true
}

// CutWord returns the first word of a command line without its quotes, where it
// ends, and whether its quotes are closed.
func CutWord(command string) (word []byte, end int, closed bool) {
	quote := byte(0)
	i := 0
	for ; i < len(command); i++ {
		c := command[i]
		switch {
		case quote == 0 && (c == ' ' || c == '\t'):
			return word, i, true
		case c == quote:
			quote = 0
			continue
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
			continue
		case quote != '\'' && c == '\\' && i+1 < len(command) && strings.IndexByte(" \t\"'\\", command[i+1]) >= 0:
			i++
			c = command[i]
		}
		word = append(word, c)
	}
	return word, i, quote == 0
}
