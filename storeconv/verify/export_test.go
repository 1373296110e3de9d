package verify

import "context"

// Entered is Store, and returns how often mailboxes were opened for members of
// streams.
func Entered(ctx context.Context, store string, opts StoreOptions) (int, error) {
	v, err := newVerifier(store, opts)
	if err != nil {
		return 0, err
	}
	defer v.close()
	err = v.run(ctx)
	return v.entered, err
}
