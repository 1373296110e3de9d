// Package storeconv is the ground that the conversions of message stores stand
// on: what they have to say and where it goes ([Log], [Note], [Progress]), and
// the options that several of them have ([Selection], [Databases], [Owner],
// [SyncMode], [Quota]) with their parsers. It knows none of them.
//
// The conversions are packages below it, of one shape, Verb(ctx, dst, src,
// opts): restore makes a store of backup streams, relocate of an NMS store
// tree, backup makes a stream of a store, and verify holds a store against what
// it was made of. The formats are sims, nms and ims; their errors are [Damage].
package storeconv
