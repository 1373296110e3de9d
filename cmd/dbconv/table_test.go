package main

import (
	"testing"

	"imsconv/cmd/internal/tabletest"
)

func TestCompletion(t *testing.T) { tabletest.Completion(t, command()) }

func TestLetters(t *testing.T) { tabletest.Letters(t, command()) }

func TestOutside(t *testing.T) {
	tabletest.Outside(t, command(), "convert --temp-dir", "folder --temp-dir", "load --temp-dir", "quota --temp-dir", "salvage --temp-dir")
}
