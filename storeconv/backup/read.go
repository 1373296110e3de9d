package backup

import (
	"crypto/sha256"
	"io"
	"sync"

	"imsconv/storeconv/ims"
)

// readDepth is how many messages of a mailbox are read ahead of the stream;
// maxAhead the size in bytes up to which a whole message is.
const (
	readDepth = 64
	maxAhead  = 256 << 10
)

// aheadRead is one message being read ahead.
type aheadRead struct {
	box  *ims.Mailbox
	uid  uint32
	done chan struct{} // closed when the fields below are set

	file *ims.MessageFile // of a long message: still to be read; else nil
	body *[]byte          // of any other, from the pool
	sum  [32]byte         // of body
	err  error
}

// readers read messages ahead with several workers.
type readers struct {
	work chan *aheadRead
	wait sync.WaitGroup
	pool sync.Pool
}

func newReaders(jobs int) *readers {
	r := &readers{work: make(chan *aheadRead, readDepth)}
	r.pool.New = func() any { return new([]byte) }
	for range jobs {
		r.wait.Go(func() {
			for a := range r.work {
				r.read(a)
				close(a.done)
			}
		})
	}
	return r
}

// close ends the workers. What has been started must have been taken.
func (r *readers) close() {
	close(r.work)
	r.wait.Wait()
}

// start begins to read a message; the mailbox stays open until it is done.
func (r *readers) start(box *ims.Mailbox, uid uint32) *aheadRead {
	a := &aheadRead{box: box, uid: uid, done: make(chan struct{})}
	r.work <- a
	return a
}

func (r *readers) read(a *aheadRead) {
	f, err := a.box.Open(a.uid)
	if err != nil {
		a.err = err
		return
	}
	if f.Size > maxAhead {
		a.file = f
		return
	}
	defer f.Close()
	a.body = r.pool.Get().(*[]byte)
	if int64(cap(*a.body)) < f.Size {
		*a.body = make([]byte, f.Size)
	}
	*a.body = (*a.body)[:f.Size]
	// A file that has become shorter since is read again, by the way that tells
	// it.
	if _, err := io.ReadFull(f, *a.body); err != nil {
		r.release(a)
		a.file, a.err = a.box.Open(a.uid)
		return
	}
	a.sum = sha256.Sum256(*a.body)
}

// release gives back what a finished read holds.
func (r *readers) release(a *aheadRead) {
	if a.body != nil {
		r.pool.Put(a.body)
		a.body = nil
	}
	if a.file != nil {
		a.file.Close()
		a.file = nil
	}
}
