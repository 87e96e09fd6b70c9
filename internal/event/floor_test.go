package event

import (
	"io"

	"github.com/klauspost/compress/gzip"
)

// kgzip is the gunzip that bluetrail itself uses.
func kgzip(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }
