package ims_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"imsconv/storeconv/ims"
)

// Walk a store: every mailbox with its messages.
func ExampleReader_All() {
	store, err := os.MkdirTemp("", "store")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(store)
	inbox := filepath.Join(store, ims.MailboxDir("primary", "joe", ims.Inbox), "00")
	if err := os.MkdirAll(inbox, 0o700); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(inbox, "1.msg"), []byte("Subject: hello\r\n\r\n"), 0o600); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(store, "partition", "note"), nil, 0o600); err != nil {
		log.Fatal(err)
	}

	root, err := os.Open(store)
	if err != nil {
		log.Fatal(err)
	}
	defer root.Close()
	told := func(e *ims.Error) { fmt.Println("beside:", e) }
	for box, err := range ims.NewReader(root).All() {
		var stray *ims.Error
		if errors.As(err, &stray) {
			told(stray) // the walk goes on
			continue
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(box.FullName(), "in partition", box.Partition)
		err := box.Messages(told, func(uid uint32) error {
			info, err := box.Stat(uid)
			fmt.Printf("  %d: %d bytes\n", uid, info.Size)
			return err
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// beside: partition/note: not a directory
	// user/joe in partition primary
	//   1: 18 bytes
}
