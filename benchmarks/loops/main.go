// Command loops is what benchmarks/compare measures besides programs: libraries
// and bare loops, each in a process of its own.
//
//	loops go-ldap EXPORT    read an export with go-ldap/ldif
//	loops split EXPORT      read an export, split it into records and lines
//	loops step JSON         a step of storeconv bench
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	goldif "github.com/go-ldap/ldif"

	"imsconv/ldifconv/ldif"
	"imsconv/storeconv/bench"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "loops:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("%d arguments", len(args))
	}
	switch args[0] {
	case "go-ldap":
		return parseWithLibrary(args[1])
	case "split":
		return splitLDIF(args[1])
	case "step":
		return step(args[1])
	}
	return fmt.Errorf("no loop %s", args[0])
}

// step takes one step of storeconv bench, and writes its sample.
func step(text string) error {
	var s bench.Step
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	sample, err := s.Run(context.Background(), nil)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(sample)
}

// parseWithLibrary reads an export with go-ldap/ldif, an entry at a time: read
// as a whole it would need memory for all.
func parseWithLibrary(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	entries := 0
	for _, err := range goldif.UnmarshalEntries(bufio.NewReaderSize(f, 1<<20), &goldif.LDIF{}) {
		if err != nil {
			return err
		}
		entries++
	}
	if entries == 0 {
		return fmt.Errorf("%s: no entries", path)
	}
	return nil
}

// splitLDIF is the bare loop of a directory export: it reads the file, splits
// it into records and these into lines of attributes, and does nothing else.
func splitLDIF(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	c := ldif.NewChunker(f, ldif.Options{})
	var chunk ldif.Chunk
	var scan ldif.Scanner
	records := 0
	for {
		if err := c.Next(&chunk); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		scan.Reset(&chunk)
		for {
			if _, err := scan.Next(); err == io.EOF {
				break
			} else if err != nil {
				return err
			}
			records++
		}
	}
	if records == 0 {
		return fmt.Errorf("%s: no records", path)
	}
	return nil
}
