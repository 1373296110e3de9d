package main

import (
	"testing"

	"imsconv/cmd/internal/peer"
)

func TestCompletion(t *testing.T) { peer.TestCompletion(t, command()) }
