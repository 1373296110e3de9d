package main

import (
	"testing"

	"imsconv/cmd/internal/manual/manualtest"
)

func TestManual(t *testing.T) { manualtest.Program(t, command) }
