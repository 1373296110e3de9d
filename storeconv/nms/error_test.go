package nms

import (
	"errors"
	"testing"
)

func TestError(t *testing.T) {
	_, err := ParseSubscriptions([]byte("user/anna\t\nuser/anna/a\n\n"))
	var e *Error
	if !errors.As(err, &e) || e.Line != 3 || e.Error() != "line 3: not the name of a mailbox" || e.Position() != "line 3" || e.Kind() != "not-understood" || e.Severity() != 1 {
		t.Errorf("%v", err)
	}
}
