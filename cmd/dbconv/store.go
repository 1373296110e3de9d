package main

import (
	"context"
	"fmt"
	"os"

	"imsconv/cmd/internal/cli"
	"imsconv/dbconv"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
)

// storeUsage counts what each user of a store has: every reference to a message
// at its full size.
func storeUsage(ctx context.Context, job *cli.Job, path string) (map[string]dbconv.Usage, error) {
	root, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	store := ims.NewReader(root)
	partitions, err := store.Partitions(strays(job))
	if err != nil {
		return nil, err
	}
	if len(partitions) == 0 {
		return nil, fmt.Errorf("%s: no store: it has no partition", path)
	}
	usage := make(map[string]dbconv.Usage)
	for _, p := range partitions {
		err := store.Users(p, strays(job), func(u ims.User) error {
			total := usage[u.ID]
			err := store.Mailboxes(u, strays(job), func(m *ims.Mailbox) error {
				defer m.Close()
				return countMailbox(ctx, job, m, &total)
			})
			usage[u.ID] = total
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return usage, nil
}

func countMailbox(ctx context.Context, job *cli.Job, m *ims.Mailbox, total *dbconv.Usage) error {
	return m.Messages(strays(job), func(uid uint32) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		info, err := m.Stat(uid)
		if ims.OfMachine(err) {
			return err
		}
		if err != nil {
			job.Problem("unreadable", m.FullName(), err.Error())
			return nil
		}
		total.Bytes += info.Size
		total.Messages++
		return nil
	})
}

// strays tells of what cannot be read or lies in the wrong place; other files
// are none of a count's business.
func strays(job *cli.Job) ims.Stray {
	return func(e *ims.Error) {
		if e.Class != ims.StrayFile {
			storeconv.NoteOf(e).Tell(job)
		}
	}
}
