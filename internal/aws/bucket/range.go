package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"bluetrail/internal/aws"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// errRange says that what was read of a range is not to be trusted.
var errRange = errors.New("the server did not return the requested bytes")

// ReadRange fills buf with the content of an object from off on. When an answer breaks
// off, it goes on from there. The object's ETag should be known, so that all bytes are of
// the same content.
func (b *Bucket) ReadRange(ctx context.Context, o Object, off int64, buf []byte) error {
	done := 0
	return persist(ctx, again, func() error {
		n, err := b.readRange(ctx, &o, off+int64(done), buf[done:])
		done += n
		if errors.Is(err, errRange) {
			done = 0
		}
		return err
	})
}

// readRange asks once for the bytes of an object from off on, and returns how many came.
func (b *Bucket) readRange(ctx context.Context, o *Object, off int64, buf []byte) (n int, err error) {
	in := b.input(o)
	r := fmt.Sprintf("bytes=%d-%d", off, off+int64(len(buf))-1)
	in.Range = &r
	err = b.ask(ctx, in, func(out *s3.GetObjectOutput, body io.Reader) (err error) {
		if out.ContentRange == nil || !strings.HasPrefix(*out.ContentRange, fmt.Sprintf("bytes %d-", off)) {
			return errRange
		}
		if n, err = io.ReadFull(body, buf); err != nil {
			return aws.Explain(err)
		}
		if err := ended(body); err != nil {
			return errRange
		}
		return nil
	})
	return n, err
}
