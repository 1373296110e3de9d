package backup

import "context"

// missingTrees tells of mailboxes that folder.db has and the store does not.
func (b *run) missingTrees(ctx context.Context) error {
	var named map[string]bool // nil: all users
	if b.opts.Users != nil {
		named = make(map[string]bool, len(b.opts.Users))
		for _, id := range b.opts.Users {
			named[id] = true
		}
	}
	takes := func(partition, id, mailbox string) bool {
		return (named == nil || named[id]) && b.opts.Shard.Has(id) && b.paths.takesMailbox(partition, id, mailbox)
	}
	return b.lists.MissingTrees(ctx, b.reader, takes, "in the backup", b.opts.Log)
}
