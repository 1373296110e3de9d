package backup

import (
	"imsconv/storeconv/ims"
)

// tellUnfinished tells of runs that have not ended: what they have not put in
// place is in no mailbox yet, and so in no backup.
func (b *run) tellUnfinished() {
	runs, err := b.reader.Runs()
	if err != nil {
		b.opts.Log.Problem(ims.Unreadable, ims.WorkDir, err.Error())
	}
	for _, u := range runs {
		if u.Done {
			b.opts.Log.Warning(u.Kind(), u.Path, u.Text())
			continue
		}
		b.opts.Log.Problem(u.Kind(), u.Path, u.Text())
	}
}
