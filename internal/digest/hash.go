package digest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// hasher reads objects one after the other.
type hasher struct {
	in  *bufio.Reader
	gz  gzip.Reader
	sum hash.Hash
	buf [64 << 10]byte
	hex [2 * sha256.Size]byte
}

var hashers = sync.Pool{New: func() any { return &hasher{in: bufio.NewReaderSize(nil, 128<<10), sum: sha256.New()} }}

// counted tells how much is read.
type counted struct {
	io.Reader
	ctx  context.Context
	tell func(n int)
}

func (c *counted) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.Reader.Read(p)
	if c.tell != nil {
		c.tell(n)
	}
	return n, err
}

// read hashes an object without its compression. All members of a gzip file count: what
// others append would be read with it. What keep is not nil for goes there, too.
func (v *verifier) read(ctx context.Context, o *Object, keep *bytes.Buffer) (sum string, n int64, err error) {
	in, err := v.src.Open(ctx, o)
	if err != nil {
		return "", 0, err
	}
	defer in.Close()
	h := hashers.Get().(*hasher)
	defer func() { h.in.Reset(nil); hashers.Put(h) }()
	h.in.Reset(&counted{in, ctx, v.o.Progress})
	h.sum.Reset()
	var from io.Reader = h.in
	if head, _ := h.in.Peek(2); len(head) == 2 && head[0] == 0x1f && head[1] == 0x8b {
		if err := h.gz.Reset(h.in); err != nil {
			return "", 0, fmt.Errorf("broken gzip header: %w", err)
		}
		from = &h.gz
	}
	most := mostOf(o.Size)
	if keep != nil {
		most = min(most, maxDigest)
	}
	for {
		k, err := from.Read(h.buf[:])
		if n += int64(k); n > most {
			return "", n, errTooLarge
		}
		h.sum.Write(h.buf[:k])
		if keep != nil {
			keep.Write(h.buf[:k])
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", n, err
		}
	}
	return hex.EncodeToString(h.sum.Sum(h.hex[:0])), n, nil
}

// maxDigest bounds a digest in memory. It has some 350 bytes for each log file of its hour.
const maxDigest = 128 << 20
