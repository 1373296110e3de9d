// Package storeconv converts message stores: a SIMS backup stream or an NMS store tree becomes the store of an iPlanet Messaging Server 5.x, and the other way.
//
// The formats are in the packages sims, nms and ims; this package has the conversions. [Restore] reads one or several [Source] in order and writes a store. Its
// memory stays under 256 MiB whatever the input. [Relocate] makes a store of an NMS store tree, user by user, and [VerifyNMS] holds the one against the other;
// both sort what they must compare in temporary files beyond some 16 MiB for each list.
package storeconv

// Quota is what a directory says about one user. In both fields -1 is no limit, -2 the server's default and NotSaid no word about it.
type Quota struct {
	Bytes    int64
	Messages int64
}

// NotSaid in a Quota leaves what another source says.
const NotSaid = -3
