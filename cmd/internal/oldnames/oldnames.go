// Package oldnames has what programs say that are called by the name of an old
// one which none of ours does over: a link of that name may lead to any of the
// programs that do a part of its work, and all of them answer alike.
package oldnames

import (
	"errors"
	"slices"
)

// requota is the command that counts the usage of a store anew and takes the
// limits of the upgraded directory.
const requota = "dbconv quota STORE/mboxlist/quota.db NEW --requota --usage STORE --limits UPGRADED.LDIF makes a new quota.db"

// Reconstruct tells, as an error, what does the work of a command line of
// reconstruct. One that asks for help becomes --help.
func Reconstruct(args []string, _ func(note string)) ([]string, error) {
	switch {
	case wantsHelp(args):
		return []string{"--help"}, nil
	case slices.Contains(args, "-q"):
		return nil, errors.New("-q is dbconv's work: " + requota + "; storeconv restore and relocate --requota count the usage as they write")
	case slices.Contains(args, "-m"):
		return nil, errors.New("-m is the new server's work; storeconv verify STORE lists where mboxlist and the mailboxes differ, relocate --add-missing writes the records that are missing")
	}
	return nil, errors.New("indexes are made anew by the new server's own reconstruct -r -f; storeconv verify STORE lists what is wrong with those that are there")
}

// InitQuota is Reconstruct for iminitquota.
func InitQuota(args []string, _ func(note string)) ([]string, error) {
	if wantsHelp(args) {
		return []string{"--help"}, nil
	}
	return nil, errors.New("this is dbconv's work: " + requota)
}

func wantsHelp(args []string) bool {
	return slices.Contains(args, "--help") || slices.Contains(args, "-h")
}
