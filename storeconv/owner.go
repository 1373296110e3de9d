package storeconv

import (
	"fmt"
	"os"
	"slices"
)

// Owner is a numeric user and group; -1 leaves one as it is.
type Owner struct{ UID, GID int }

// Check refuses an owner that this process may not give files to.
func (o Owner) Check() error {
	if os.Geteuid() == 0 {
		return nil
	}
	if o.UID != -1 && o.UID != os.Geteuid() {
		return fmt.Errorf("only root may give files to user %d", o.UID)
	}
	if o.GID == -1 || o.GID == os.Getegid() {
		return nil
	}
	groups, err := os.Getgroups()
	if err != nil || !slices.Contains(groups, o.GID) {
		return fmt.Errorf("only root, or a member, may give files to group %d", o.GID)
	}
	return nil
}
