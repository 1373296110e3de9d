// Command release makes what is carried to an offline host, from the commit
// that is checked out: for each processor an archive, a Debian package and an
// rpm, with the sums of all and the list of the modules that are linked into
// the programs.
//
//	go run ./cmd/internal/release --version 1.2.0 --out dist
//
// writes, flat:
//
//	imsconv-1.2.0-linux-amd64.tar.gz  imsconv-1.2.0-linux-arm64.tar.gz
//	imsconv_1.2.0_amd64.deb           imsconv_1.2.0_arm64.deb
//	imsconv-1.2.0.x86_64.rpm          imsconv-1.2.0.aarch64.rpm
//	imsconv-1.2.0-modules.tsv         modules, versions, licences (SPDX)
//	SHA256SUMS                        for sha256sum -c
//
// Every byte follows from the commit, the version and the Go toolchain that
// go.mod names. No folder, host, user or clock gets in: times are
// SOURCE_DATE_EPOCH where that is set, else the date of the commit. A working
// tree with changes in it is refused, since the result would not be what its
// commit says. The build needs the Go module proxy, or a filled module cache;
// what it makes needs nothing.
//
// What goes into the archive is not listed a second time here: programs are the
// folders of cmd, manual pages, old names and completions are what the programs
// write of themselves, and documents and the sample site are what git tracks.
//
// selftest.sums has what the self-test of the archive must find. When a change
// of output is meant, the lists are made anew of what the programs make now:
//
//	go test ./cmd/internal/release -run TestSelftestSums -update
package main
