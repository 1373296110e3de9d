package main

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// -h of imsrestore is the header wherever it stands, and no value's.
func TestHeaderOfOldNames(t *testing.T) {
	known := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(restoreFlags).add(known)
	for _, tt := range [][2]string{
		{"-f x -h", "-f x --header"},
		{"-hf x", "--header -f x"},
		{"-hfx -n", "--header -fx -n"},
		{"-th -f-", "--header -t -f-"},
		{"-f -h -n", "-f -h -n"},
		{"--file -h", "--file -h"},
		{"--file=x -h", "--file=x --header"},
		{"--no-index -h", "--no-index --header"},
		{"-- -h", "-- -h"},
		{"- -h -", "- --header -"},
		{"-fhost", "-fhost"},
	} {
		if got := strings.Join(spellHeader(known, strings.Fields(tt[0])), " "); got != tt[1] {
			t.Errorf("%s: %s, want %s", tt[0], got, tt[1])
		}
	}
}
