// Package benchmarks holds Go benchmarks of every path that a user sees, and of
// the shapes of input that are hard on it, one file a converter:
//
//	go test ./benchmarks -run '^$' -bench . -benchtime 5x
//
// They run in this process, on seeded input; stores are made on a memory file
// system where there is one. compare measures the programs beside their peers;
// what it has measured is in RESULTS.md.
package benchmarks
