package maildirs

// KeepInMemory bounds the messages on one side that are kept in memory, until
// what it returns is called.
func KeepInMemory(n int) (undo func()) {
	old := maxLone
	maxLone = n
	return func() { maxLone = old }
}
