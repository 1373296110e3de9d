package cli

// Sample is how far a run had come at one moment.
type Sample struct {
	Seconds float64 `json:"s"` // since the start
	Items   int64   `json:"items"`
	Bytes   int64   `json:"bytes"`
}
