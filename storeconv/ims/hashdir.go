package ims

const hexDigits = "0123456789abcdef"

// Hash returns the two hash directories of a message-store user id, as "53/53"
// for mack1, without a final slash. The id is the raw one (uid, or uid@domain
// in a hosted domain), before any escaping.
//
// The rule is that of the hashdir utility: h = h*31 + c over the bytes, then
// the low 14 bits of h, least significant first, as digits of 4, 3, 4 and 3
// bits.
func Hash(id string) string {
	var h uint32
	for i := 0; i < len(id); i++ {
		h = h*31 + uint32(id[i])
	}
	return string([]byte{
		hexDigits[h&0xf], hexDigits[h>>4&7], '/',
		hexDigits[h>>7&0xf], hexDigits[h>>11&7],
	})
}
