package maildir

import (
	"slices"
	"testing"

	"imsconv/storeconv/ims"
)

func TestParseFileName(t *testing.T) {
	for _, row := range []struct {
		name string
		want File
	}{
		{"961579934.M7P0.imsconv,S=100,W=104:2,FS", File{"961579934.M7P0.imsconv,S=100,W=104", "FS", true, 961579934, 100, 104}},
		{"961579934.M7P0.imsconv,S=100,W=104", File{"961579934.M7P0.imsconv,S=100,W=104", "", false, 961579934, 100, 104}},
		{"1.2_3.host:2,", File{"1.2_3.host", "", true, 1, -1, -1}},
		{"1.2_3.host:1,x", File{"1.2_3.host", "", false, 1, -1, -1}},
		{"1.h,S=5x:2,S", File{"1.h,S=5x", "S", true, 1, -1, -1}},
		{"1.h,S=5,foo:2,RS,more", File{"1.h,S=5,foo", "RS", true, 1, 5, -1}},
		{"1.h,S=-5", File{"1.h,S=-5", "", false, 1, -1, -1}},
		{"1.h,S=99999999999999999999", File{"1.h,S=99999999999999999999", "", false, 1, -1, -1}},
		{"message", File{"message", "", false, -1, -1, -1}},
		{"-5.x", File{"-5.x", "", false, -1, -1, -1}},
		{":2,S", File{"", "S", true, -1, -1, -1}},
		{"1.h,S=5;2,FS", File{"1.h,S=5", "FS", true, 1, 5, -1}},
		{"1.h!2,", File{"1.h", "", true, 1, -1, -1}},
		{"1.h!2,Sab", File{"1.h", "Sab", true, 1, -1, -1}},
		{"1.h\uf03a2,S", File{"1.h", "S", true, 1, -1, -1}},
		{"1.h\uf0222,DS", File{"1.h", "DS", true, 1, -1, -1}},
		{"1.2_3.h_2,RS", File{"1.2_3.h", "RS", true, 1, -1, -1}},
		{"1.h-2,FS", File{"1.h", "FS", true, 1, -1, -1}},
		{"1.h,U=7=2,S", File{"1.h,U=7", "S", true, 1, -1, -1}},
		{"1.h%3A2,Sab", File{"1.h", "Sab", true, 1, -1, -1}},
		{"1.h%3a2,", File{"1.h", "", true, 1, -1, -1}},
		{"1.h\uff1a2,T", File{"1.h", "T", true, 1, -1, -1}},
		{"1.h 2,S", File{"1.h", "S", true, 1, -1, -1}},
		{"1.h-2,Sa", File{"1.h-2,Sa", "", false, 1, -1, -1}},
		{"1.h.2,S", File{"1.h.2,S", "", false, 1, -1, -1}},
		{"1.h,2,S", File{"1.h,2,S", "", false, 1, -1, -1}},
		{"1.h\xff2,S", File{"1.h\xff2,S", "", false, 1, -1, -1}},
		{"%3A2,S", File{"%3A2,S", "", false, -1, -1, -1}},
		{"x:y:2,S", File{"x", "", false, -1, -1, -1}},
		{"1.h_2,abc", File{"1.h_2,abc", "", false, 1, -1, -1}},
		{"1.h_2,S=5", File{"1.h_2,S=5", "", false, 1, 5, -1}},
		{"1.h;2,S:2,F", File{"1.h;2,S", "F", true, 1, -1, -1}},
		{"1.h;3,S", File{"1.h;3,S", "", false, 1, -1, -1}},
		{"1.h2,S", File{"1.h2,S", "", false, 1, -1, -1}},
		{"!2,S", File{"!2,S", "", false, -1, -1, -1}},
		{"2,S", File{"2,S", "", false, -1, -1, -1}},
		{"S", File{"S", "", false, -1, -1, -1}},
	} {
		if got := ParseFileName(row.name); got != row.want {
			t.Errorf("%q: %+v, want %+v", row.name, got, row.want)
		}
	}
}

func TestOddFlags(t *testing.T) {
	for name, odd := range map[string]bool{
		"1.h-2,Sa": true, "1.h.2,S": true, "x:y:2,S": true, "1.h:1,S": true, "1.h2,FS": true, "2,S": true, "1.h\xff2,S": true,
		"1.h:2,S": false, "1.h;2,S": false, "1.h-2,S": false, "1.h:2,": false, "1.h.2,": false, "1.h,S=12,W=13": false, "1.h": false, "1.h-2,host1": false,
	} {
		if f := ParseFileName(name); f.OddFlags(name) != odd {
			t.Errorf("%q: %v", name, !odd)
		}
	}
}

func TestFileName(t *testing.T) {
	for _, row := range []struct {
		date        int64
		uid         uint32
		size, vsize int64
		want        string
	}{
		{961579934, 7, 100, 104, "961579934.M7P0.imsconv,S=100,W=104"},
		{-1, 4294967294, 0, 0, "0.M4294967294P0.imsconv,S=0,W=0"},
	} {
		got := FileName(row.date, row.uid, row.size, row.vsize)
		if got != row.want {
			t.Errorf("%q, want %q", got, row.want)
		}
		if f := ParseFileName(got + Info("S")); f != (File{got, "S", true, max(row.date, 0), row.size, row.vsize}) {
			t.Errorf("%q reads as %+v", got, f)
		}
	}
}

func TestLetters(t *testing.T) {
	all := ims.Draft | ims.Flagged | ims.Answered | ims.Seen | ims.Deleted
	if got := FlagLetters(all|ims.Recent|ims.Archived, []int{25, 0, 26, -1, 0}); got != "DFRSTaz" {
		t.Errorf("%q", got)
	}
	flags, keywords, other := ParseLetters("zSPaFT?a")
	if flags != ims.Seen|ims.Flagged|ims.Deleted || !slices.Equal(keywords, []int{0, 25}) || other != "P?" {
		t.Errorf("%v %v %q", flags, keywords, other)
	}
}
