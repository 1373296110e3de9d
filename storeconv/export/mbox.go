package export

import "errors"

var errNoMbox = errors.New("mbox is not made yet")

func (b *box) mboxPlace() place { return place{target: b.name, dir: b.name} }

func (b *box) finishMbox() error { return errNoMbox }

func (p *placing) mbox(b *headBox) error { return errNoMbox }
