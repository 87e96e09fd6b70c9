package bucket

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"bluetrail/internal/aws"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	// inMemory is the largest content that is held in memory; more goes to a temporary file.
	inMemory = 64 << 20
	// idle is how long a body may bring no byte.
	idle = time.Minute
)

// Content is the whole content of an object.
type Content struct {
	io.ReadSeeker
	io.ReaderAt
	Object
	Metadata map[string]string // the user's own, without x-amz-meta-
	file     *os.File          // nil = it is in memory
}

// Close releases the memory or the temporary file of the content.
func (c *Content) Close() error {
	if c.file != nil {
		return c.file.Close()
	}
	return nil
}

// Bytes returns content that is in memory, and nil for larger content.
func (c *Content) Bytes() []byte {
	if m, ok := c.ReaderAt.(*memory); ok {
		return m.data
	}
	return nil
}

// memory is content in memory.
type memory struct {
	*bytes.Reader
	data []byte
}

// ErrContent says that an object's content is not what S3 says it is.
var ErrContent = errors.New("the content does not match the object's length or checksum; reading it again did not help")

// Get reads a whole object. If o has an ETag and the object has been replaced since, the
// error has the code PreconditionFailed.
func (b *Bucket) Get(ctx context.Context, o Object) (*Content, error) {
	return b.GetIf(ctx, o, func(Object) bool { return true })
}

// GetIf is Get for objects that wanted accepts by what the answer's header says, before
// any content is read: it may wait until there is room. For others, GetIf returns nil
// without an error. Each new try calls wanted again.
func (b *Bucket) GetIf(ctx context.Context, o Object, wanted func(Object) bool) (c *Content, err error) {
	var last [md5.Size]byte // of the try before
	err = persist(ctx, again, func() (err error) {
		var sum [md5.Size]byte
		c, sum, err = b.get(ctx, &o, wanted)
		if errors.Is(err, ErrContent) && sum != [md5.Size]byte{} {
			if sum == last { // twice the same: it is the ETag that is not an MD5 sum
				b.mu.Lock()
				b.noMD5 = true
				b.mu.Unlock()
			}
			last = sum
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// again reports whether another try to get an object may succeed.
func again(err error) bool {
	var f *aws.Fault
	return aws.Passing(err) && !(errors.As(err, &f) && f.Code == "PreconditionFailed") // it asks for what was replaced
}

// get tries once to read an object. sum is the content's when it does not match the ETag.
func (b *Bucket) get(ctx context.Context, o *Object, wanted func(Object) bool) (c *Content, sum [md5.Size]byte, err error) {
	in := b.input(o)
	in.ChecksumMode = "ENABLED"
	err = b.ask(ctx, in, func(out *s3.GetObjectOutput, body io.Reader) error {
		got := &Content{Object: *o, Metadata: out.Metadata}
		if out.ETag != nil {
			got.ETag = *out.ETag
		}
		if out.LastModified != nil {
			got.Changed = *out.LastModified
		}
		if out.ContentLength == nil {
			return errors.New("the server does not say how long the object is")
		}
		if got.Size = *out.ContentLength; o.Size >= 0 && got.Size != o.Size {
			return ErrContent
		}
		if !wanted(got.Object) {
			return nil
		}
		want := b.md5Of(out, got.ETag)
		hash := md5.New()
		if want != nil {
			body = io.TeeReader(body, hash)
		}
		if err := got.fill(body); err != nil {
			return fmt.Errorf("cannot read all of the object: %w", aws.Explain(err))
		}
		if want != nil && !bytes.Equal(want, hash.Sum(nil)) {
			hash.Sum(sum[:0])
			got.Close()
			return ErrContent
		}
		c = got
		return nil
	})
	return c, sum, err
}

// md5Of returns the MD5 sum that the content of an answer must have, nil = its ETag is
// none, or the SDK checks another sum.
func (b *Bucket) md5Of(out *s3.GetObjectOutput, etag string) []byte {
	b.mu.Lock()
	skip := b.noMD5
	b.mu.Unlock()
	plain := out.ServerSideEncryption == "" || out.ServerSideEncryption == "AES256"
	if skip || !plain || out.ChecksumCRC32 != nil || out.ChecksumCRC32C != nil || out.ChecksumCRC64NVME != nil || out.ChecksumSHA1 != nil || out.ChecksumSHA256 != nil {
		return nil
	}
	if sum, err := hex.DecodeString(strings.Trim(etag, `"`)); err == nil && len(sum) == md5.Size {
		return sum
	}
	return nil
}

// input returns the request for an object.
func (b *Bucket) input(o *Object) *s3.GetObjectInput {
	in := &s3.GetObjectInput{Bucket: &b.name, Key: &o.Key}
	if o.ETag != "" {
		in.IfMatch = &o.ETag
	}
	if o.Version != "" {
		in.VersionId = &o.Version
	}
	return in
}

// ask requests an object and calls read with the answer. A body that brings no byte for
// too long ends.
func (b *Bucket) ask(ctx context.Context, in *s3.GetObjectInput, read func(*s3.GetObjectOutput, io.Reader) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var out *s3.GetObjectOutput
	if err := b.call(ctx, GetObject, func(c *s3.Client) (err error) { out, err = c.GetObject(ctx, in); return err }); err != nil {
		return err
	}
	defer out.Body.Close()
	body := &watched{in: out.Body, stop: func() { cancel(errIdle) }}
	err := read(out, body)
	if body.watch != nil {
		body.watch.Stop()
	}
	if err != nil && context.Cause(ctx) == errIdle {
		return fmt.Errorf("cannot read all of the object: %w", errIdle)
	}
	return err
}

var errIdle = errors.New("the server stopped sending in the middle of the object")

// watched calls stop when a Read takes too long.
type watched struct {
	in    io.Reader
	stop  func()
	watch *time.Timer
}

// Read implements io.Reader.
func (w *watched) Read(p []byte) (int, error) {
	if w.watch == nil {
		w.watch = time.AfterFunc(idle, w.stop)
	} else {
		w.watch.Reset(idle)
	}
	return w.in.Read(p)
}

// fill reads all of the content, exactly Size bytes.
func (c *Content) fill(in io.Reader) error {
	if c.Size <= inMemory {
		data := make([]byte, c.Size)
		if _, err := io.ReadFull(in, data); err != nil {
			return err
		}
		if err := ended(in); err != nil {
			return err
		}
		m := &memory{bytes.NewReader(data), data}
		c.ReadSeeker, c.ReaderAt = m, m
		return nil
	}
	f, err := os.CreateTemp("", "bluetrail-object-")
	if err != nil {
		return err
	}
	if err := os.Remove(f.Name()); err != nil { // it goes with the descriptor
		return errors.Join(err, f.Close())
	}
	if _, err = io.CopyN(f, in, c.Size); err == nil {
		err = ended(in)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	c.ReadSeeker, c.ReaderAt, c.file = f, f, f
	return nil
}

// ended reads to the end of a body, where the SDK compares checksums.
func ended(in io.Reader) error {
	var more [1]byte
	n, err := in.Read(more[:])
	switch {
	case n > 0:
		return ErrContent
	case err == io.EOF || err == nil:
		return nil
	}
	return err
}

// Length returns the size of the content.
func (c *Content) Length() (int64, error) { return c.Size, nil }
