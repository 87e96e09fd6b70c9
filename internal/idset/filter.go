package idset

// filter rules out ids that are certainly not in a run. Its bits are in blocks
// of a cache line; about 1 in 200 absent ids passes.
type filter []byte

const (
	filterBlock = 64
	filterIDs   = 40 // ids per block: 12.8 bits each
	filterBits  = 7  // bits set per id
)

func newFilter(ids int) filter {
	return make(filter, filterBlock*max(1, (ids+filterIDs-1)/filterIDs))
}

// place returns the block of an id and the hash that chooses its bits.
func (f filter) place(hi, lo uint64) (block []byte, h uint64) {
	h = (hi ^ lo>>29 ^ lo<<35) * 0x9e3779b97f4a7c15
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	n := uint64(len(f) / filterBlock)
	at := (h >> 32) * n >> 32 * filterBlock
	return f[at : at+filterBlock], (h ^ lo) * 0xff51afd7ed558ccd
}

func (f filter) add(hi, lo uint64) {
	b, h := f.place(hi, lo)
	for range filterBits {
		bit := h >> 55
		b[bit>>3] |= 1 << (bit & 7)
		h <<= 9
	}
}

func (f filter) has(hi, lo uint64) bool {
	b, h := f.place(hi, lo)
	for range filterBits {
		bit := h >> 55
		if b[bit>>3]>>(bit&7)&1 == 0 {
			return false
		}
		h <<= 9
	}
	return true
}
