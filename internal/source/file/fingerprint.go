package file

import (
	"encoding/binary"
	"io"
	"os"

	"github.com/cespare/xxhash/v2"
)

// printBlock is how much of a file's beginning, middle and end its fingerprint
// is made of.
const printBlock = 4 << 10

// fingerprint tells a file from one of the same size and time of change, at
// little cost. It is 0 for a file that cannot be read.
func fingerprint(path string, size int64) uint64 {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	h := xxhash.New()
	var block [printBlock]byte
	h.Write(binary.LittleEndian.AppendUint64(block[:0], uint64(size)))
	for _, at := range [...]int64{0, size/2 - printBlock/2, size - printBlock} {
		n, err := f.ReadAt(block[:], max(0, at))
		if err != nil && err != io.EOF {
			return 0
		}
		h.Write(block[:n])
	}
	// SQLite has no unsigned numbers; one bit less does not matter.
	return h.Sum64() >> 1
}
