package cli

import "github.com/spf13/pflag"

// offerMark is the annotation of flags with the words that their values may be,
// among others.
const offerMark = "imsconv-offer"

// Offer names values of a flag that a shell completes, for one that takes more
// than a closed set, or several words. A flag whose values are a closed set
// says them itself, by a method Values of its [pflag.Value].
func Offer(fs *pflag.FlagSet, name string, words ...string) {
	if err := fs.SetAnnotation(name, offerMark, words); err != nil {
		panic("internal error: " + err.Error()) // it was declared the line before
	}
}

// Values are the words that a value of a flag may be; none where it may be
// anything.
func Values(f *pflag.Flag) []string {
	if v, ok := f.Value.(interface{ Values() []string }); ok {
		return v.Values()
	}
	return f.Annotations[offerMark]
}
