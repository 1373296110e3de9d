package sims_test

import (
	"bytes"
	"errors"
	"fmt"
	"log"

	"imsconv/storeconv/sims"
)

// List a stream: what it holds, and what is wrong with it.
func ExampleReader_All() {
	var stream bytes.Buffer
	w, err := sims.NewWriter(&stream, sims.Header{Product: "SIMS 4.0", Date: 981538200}, 0)
	if err != nil {
		log.Fatal(err)
	}
	text := "Subject: hello\r\n\r\n"
	for _, m := range []sims.Member{
		{Kind: sims.User, Name: "joe", Subscribed: -1},
		{Kind: sims.Mailbox, Name: "joe/INBOX", UIDValidity: 7, Subscribed: 1},
		{Kind: sims.Message, Name: "joe/INBOX/1", Size: int64(len(text)), Time: 981000000, Flags: `\Seen`, Subscribed: -1},
	} {
		if err := w.WriteMember(&m); err != nil {
			log.Fatal(err)
		}
		if m.Kind != sims.Message {
			continue
		}
		if _, err := w.Write([]byte(text)); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}

	r := sims.NewReader(&stream)
	header, err := r.Header()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("from", header.Product)
	for m, err := range r.All() {
		var damage *sims.Error
		if errors.As(err, &damage) {
			fmt.Println("damaged:", damage) // the stream goes on behind it
			continue
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%v %s %q\n", m.Kind, m.Name, m.Flags)
	}
	// Output:
	// from SIMS 4.0
	// user joe ""
	// mailbox joe/INBOX ""
	// message joe/INBOX/1 "\\Seen"
}
