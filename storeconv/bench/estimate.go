package bench

// Estimate is how long the migration of a [Goal] takes with the best setting,
// if a message costs in it what it costs here. The disk is the one that was
// measured; that it stays as fast when it is full, and that what is read is
// still in memory, is not known.
type Estimate struct {
	Goal
	Restore Hours `json:"restore"`
	Verify  Hours `json:"verify"`
	Backup  Hours `json:"backup"`
	Total   Hours `json:"total"` // of restore and verify
	// SameMean tells that messages of the goal are as large as those measured, to
	// within a tenth. Otherwise time may go with the number of messages or with
	// the bytes, and the range spans both.
	SameMean bool `json:"same_mean"`
}

// Hours is a time that is expected, and the range that the rounds allow.
type Hours struct {
	Expected float64 `json:"expected_h"`
	Low      float64 `json:"low_h"`
	High     float64 `json:"high_h"`
}

// estimate scales the times of a row to a goal.
func estimate(g Goal, row Row, measured Totals) *Estimate {
	messages := float64(g.Messages) / float64(measured.Messages)
	bytes := messages
	if g.Bytes > 0 && measured.Bytes > 0 {
		bytes = float64(g.Bytes) / float64(measured.Bytes)
	} else {
		g.Bytes = int64(messages * float64(measured.Bytes))
	}
	e := &Estimate{Goal: g, SameMean: bytes/messages > 0.9 && bytes/messages < 1.1}
	low, high := min(messages, bytes), max(messages, bytes)
	scale := func(s Spread) Hours {
		return Hours{Expected: s.Median * (low + high) / 2 / 3600, Low: s.Low * low / 3600, High: s.High * high / 3600}
	}
	e.Restore, e.Verify, e.Backup = scale(row.Seconds), scale(row.Verify.Seconds), scale(row.Backup.Seconds)
	e.Total = Hours{e.Restore.Expected + e.Verify.Expected, e.Restore.Low + e.Verify.Low, e.Restore.High + e.Verify.High}
	return e
}
