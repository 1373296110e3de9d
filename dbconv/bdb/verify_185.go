package bdb

func (v *verifier) checkMeta185(raw []byte) {}
func (v *verifier) tree185() error          { return nil }
func (v *verifier) hash185() error          { return nil }
func (v *verifier) freeList185() error      { return nil }
