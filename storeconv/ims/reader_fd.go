package ims

// FD returns the descriptor of the mailbox's directory, below which
// [MessagePath] names a message. It stays the Mailbox's.
func (m *Mailbox) FD() int { return int(m.dir.Fd()) }
