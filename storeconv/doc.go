// Package storeconv is the ground that the conversions of message stores stand
// on: what they have to say and where it goes ([Log], [Note], [Progress]), and
// the options that several of them have ([Selection], [Databases], [Owner],
// [SyncMode], [Quota]) with their parsers. It knows none of them.
//
// The conversions are packages below it, of one shape, Verb(ctx, dst, src,
// opts): restore makes a store of backup streams, and of the trees that source
// reads, relocate of an NMS store tree; backup makes a stream of a store, and
// export Maildirs or mailbox files; merge, in shards, one store of several.
// verify, and verify/maildirs for exports, hold a result against what it was
// made of. The formats are sims, nms, ims, maildir and mbox; their errors are
// [Damage].
package storeconv
