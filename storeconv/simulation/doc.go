// Package simulation holds tests: the machine is stopped after every operation
// of a conversion, by a kill and by a power cut, and the same command given
// again must come to the same bytes as one that was never disturbed. The file
// systems are those of package crashfs.
//
// A normal test run takes a fixed sample of the operations and of the states
// after each; with IMSCONV_FULL=1 all are taken.
package simulation
