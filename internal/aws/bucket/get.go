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
	// inMemory is up to where content is held in memory; more goes to a temporary file.
	inMemory = 64 << 20
	// tries is how often the body of an object is read until it is whole. The SDK's own
	// retries end with the header of an answer.
	tries     = 5
	firstWait = 200 * time.Millisecond
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

// Close gives back what the content takes.
func (c *Content) Close() error {
	if c.file != nil {
		return c.file.Close()
	}
	return nil
}

// Bytes returns content that is in memory, nil for larger one.
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
func (b *Bucket) GetIf(ctx context.Context, o Object, wanted func(Object) bool) (*Content, error) {
	var sum [md5.Size]byte // of the try before
	wait := firstWait
	for try := 1; ; try++ {
		c, got, err := b.get(ctx, &o, wanted)
		if err == nil {
			return c, nil
		}
		if errors.Is(err, ErrContent) {
			if try > 1 && got == sum { // twice the same: it is the ETag that is no MD5
				b.mu.Lock()
				b.noMD5 = true
				b.mu.Unlock()
			}
			sum = got
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !aws.Passing(err) || try == tries {
			return nil, err
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil, ctx.Err()
		}
		wait *= 3
	}
}

// get tries once to read an object. sum is the content's when it does not match the ETag.
func (b *Bucket) get(ctx context.Context, o *Object, wanted func(Object) bool) (c *Content, sum [md5.Size]byte, err error) {
	in := &s3.GetObjectInput{Bucket: &b.name, Key: &o.Key, ChecksumMode: "ENABLED"}
	if o.ETag != "" {
		in.IfMatch = &o.ETag
	}
	if o.Version != "" {
		in.VersionId = &o.Version
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var out *s3.GetObjectOutput
	if err := b.call(ctx, func(c *s3.Client) (err error) { out, err = c.GetObject(ctx, in); return err }); err != nil {
		return nil, sum, err
	}
	defer out.Body.Close()
	c = &Content{Object: *o, Metadata: out.Metadata}
	if out.ETag != nil {
		c.ETag = *out.ETag
	}
	if out.LastModified != nil {
		c.Changed = *out.LastModified
	}
	if out.ContentLength == nil {
		return nil, sum, errors.New("the server does not say how long the object is")
	}
	if c.Size = *out.ContentLength; o.Size >= 0 && c.Size != o.Size {
		return nil, sum, ErrContent
	}
	if !wanted(c.Object) {
		return nil, sum, nil
	}
	watch := time.AfterFunc(idle, func() { cancel(errIdle) })
	defer watch.Stop()
	body := &alive{out.Body, watch}
	hash := md5.New()
	if err := c.fill(io.TeeReader(body, hash)); err != nil {
		if cause := context.Cause(ctx); cause == errIdle {
			err = errIdle
		}
		return nil, sum, fmt.Errorf("cannot read all of the object: %w", aws.Explain(err))
	}
	hash.Sum(sum[:0])
	b.mu.Lock()
	skip := b.noMD5
	b.mu.Unlock()
	checked := out.ChecksumCRC32 != nil || out.ChecksumCRC32C != nil || out.ChecksumCRC64NVME != nil || out.ChecksumSHA1 != nil || out.ChecksumSHA256 != nil // by the SDK
	if plain := out.ServerSideEncryption == "" || out.ServerSideEncryption == "AES256"; plain && !checked && !skip {
		if want, err := hex.DecodeString(strings.Trim(c.ETag, `"`)); err == nil && len(want) == md5.Size && !bytes.Equal(want, sum[:]) {
			c.Close()
			return nil, sum, ErrContent
		}
	}
	return c, sum, nil
}

var errIdle = errors.New("the server stopped sending in the middle of the object")

// alive puts the end of a body off while it brings bytes.
type alive struct {
	in    io.Reader
	watch *time.Timer
}

// Read implements io.Reader.
func (a *alive) Read(p []byte) (int, error) {
	n, err := a.in.Read(p)
	if n > 0 {
		a.watch.Reset(idle)
	}
	return n, err
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
