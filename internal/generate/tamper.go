package generate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// Tampering is a way to damage a trail, for tests of what verifies it.
type Tampering struct {
	Kind string
	Doc  string
	do   func(t *tamperer) (object string, err error)
}

// Tamperings are all of them.
func Tamperings() []Tampering {
	return []Tampering{
		{"log-changed", "another address in a log file", (*tamperer).logChanged},
		{"log-appended", "records appended to a log file as another gzip member", (*tamperer).logAppended},
		{"log-cut", "the end of a log file is cut off", (*tamperer).logCut},
		{"log-deleted", "a log file is deleted", (*tamperer).logDeleted},
		{"log-added", "a log file is added that no digest names", (*tamperer).logAdded},
		{"log-moved", "a log file lies in the folder of another day", (*tamperer).logMoved},
		{"digest-changed", "a digest no longer names a log file, which is deleted", (*tamperer).digestChanged},
		{"digest-forged", "the same, and the digest is signed with another key", (*tamperer).digestForged},
		{"digest-deleted", "a digest is deleted", func(t *tamperer) (string, error) { return t.deleteDigests(len(t.digests)/2, 1) }},
		{"digests-deleted", "five digests in a row are deleted", func(t *tamperer) (string, error) { return t.deleteDigests(len(t.digests)/2, 5) }},
		{"newest-deleted", "the newest four digests are deleted", func(t *tamperer) (string, error) { return t.deleteDigests(len(t.digests)-4, 4) }},
		{"digest-moved", "a digest lies in the folder of another day", (*tamperer).digestMoved},
		{"signature-changed", "the signature in the metadata of a digest is changed", (*tamperer).signatureChanged},
		{"signatures-lost", "a copy without the metadata of objects", (*tamperer).signaturesLost},
		{"restart", "logging was off for three hours, and a new chain begins after them", (*tamperer).restart},
		{"unknown-key", "the newest six digests are signed with a key that is not in the list", (*tamperer).unknownKey},
	}
}

// Tamper damages a trail that Write wrote into dir with a seed, in the first account and
// the home region. It returns what it damaged: the key of an object.
func Tamper(dir string, seed uint64, kind string) (object string, err error) {
	all := Tamperings()
	i := slices.IndexFunc(all, func(t Tampering) bool { return t.Kind == kind })
	if i < 0 {
		return "", fmt.Errorf("there is no kind of damage %q", kind)
	}
	digests, err := filepath.Glob(filepath.Join(dir, "AWSLogs/*/*/CloudTrail-Digest", homeRegion, "*/*/*/*.json.gz"))
	if err != nil {
		return "", err
	}
	t := &tamperer{dir: dir, seed: seed}
	slices.Sort(digests)
	for _, name := range digests {
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return "", err
		}
		key := filepath.ToSlash(rel)
		if account := path.Dir(key); !strings.HasSuffix(key, "_backfill.json.gz") && (len(t.digests) == 0 || strings.Split(account, "/")[2] == strings.Split(t.digests[0], "/")[2]) {
			t.digests = append(t.digests, key)
		}
	}
	if len(t.digests) < 24 {
		return "", fmt.Errorf("cannot damage the trail in %q: it has %d digests in %s, want 24", dir, len(t.digests), homeRegion)
	}
	if object, err = all[i].do(t); err != nil {
		return object, fmt.Errorf("cannot damage the trail in %q: %w", dir, err)
	}
	return object, nil
}

type tamperer struct {
	dir     string
	seed    uint64
	digests []string // keys of one lane, the oldest first
}

func (t *tamperer) file(key string) string { return filepath.Join(t.dir, filepath.FromSlash(key)) }

func (t *tamperer) read(key string) ([]byte, error) {
	f, err := os.Open(t.file(key))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	gz, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(gz)
}

func zip(body []byte) []byte {
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	gz.Write(body) // a bytes.Buffer takes everything
	gz.Close()
	return b.Bytes()
}

func (t *tamperer) write(key string, body []byte) error {
	return os.WriteFile(t.file(key), zip(body), 0o600)
}

func (t *tamperer) digest(i int) (d digest, err error) {
	body, err := t.read(t.digests[i])
	if err == nil {
		err = json.Unmarshal(body, &d)
	}
	return d, err
}

// one returns a digest near the middle that names log files.
func (t *tamperer) one() (int, digest, error) {
	for i := len(t.digests) / 2; i < len(t.digests)-6; i++ {
		if d, err := t.digest(i); err != nil || len(d.LogFiles) > 0 {
			return i, d, err
		}
	}
	return 0, digest{}, errors.New("no digest names a log file")
}

func (t *tamperer) log() (string, error) {
	_, d, err := t.one()
	if err != nil {
		return "", err
	}
	return d.LogFiles[0].Object, nil
}

func (t *tamperer) logChanged() (string, error) {
	key, err := t.log()
	if err != nil {
		return "", err
	}
	body, err := t.read(key)
	if err != nil {
		return "", err
	}
	changed := bytes.Replace(body, []byte(`"sourceIPAddress":"`), []byte(`"sourceIPAddress":"203.0.113.7","x":"`), 1)
	if bytes.Equal(changed, body) {
		return "", fmt.Errorf("%s has no address", key)
	}
	return key, t.write(key, changed)
}

func (t *tamperer) logAppended() (string, error) {
	key, err := t.log()
	if err != nil {
		return "", err
	}
	packed, err := os.ReadFile(t.file(key))
	if err != nil {
		return "", err
	}
	return key, os.WriteFile(t.file(key), append(packed, zip([]byte(`{"Records":[]}`))...), 0o600)
}

func (t *tamperer) logCut() (string, error) {
	key, err := t.log()
	if err != nil {
		return "", err
	}
	info, err := os.Stat(t.file(key))
	if err != nil {
		return "", err
	}
	return key, os.Truncate(t.file(key), info.Size()/2)
}

func (t *tamperer) logDeleted() (string, error) {
	key, err := t.log()
	if err != nil {
		return "", err
	}
	return key, os.Remove(t.file(key))
}

func (t *tamperer) logAdded() (string, error) {
	key, err := t.log()
	if err != nil {
		return "", err
	}
	body, err := t.read(key)
	if err != nil {
		return "", err
	}
	added := key[:len(key)-len("0123456789abcdef.json.gz")] + "AddedByTampering.json.gz"
	return added, t.write(added, body)
}

// move moves a file to the folder of another day, with what lies beside it.
func (t *tamperer) move(key string) (string, error) {
	to := path.Join(path.Dir(path.Dir(key)), "31", path.Base(key))
	if err := os.MkdirAll(filepath.Dir(t.file(to)), 0o700); err != nil {
		return "", err
	}
	if err := os.Rename(t.file(key), t.file(to)); err != nil {
		return "", err
	}
	if err := os.Rename(t.file(key+".signature"), t.file(to+".signature")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	return to, nil
}

func (t *tamperer) logMoved() (string, error) {
	key, err := t.log()
	if err != nil {
		return "", err
	}
	return t.move(key)
}

func (t *tamperer) digestMoved() (string, error) { return t.move(t.digests[len(t.digests)/2]) }

// cover deletes the first log file of a digest and makes the digest not name it.
func (t *tamperer) cover() (digest, []byte, error) {
	i, d, err := t.one()
	if err != nil {
		return d, nil, err
	}
	if err := os.Remove(t.file(d.LogFiles[0].Object)); err != nil {
		return d, nil, err
	}
	d.LogFiles = d.LogFiles[1:]
	body, err := json.Marshal(d)
	if err != nil {
		return d, nil, err
	}
	return d, body, t.write(t.digests[i], body)
}

func (t *tamperer) digestChanged() (string, error) {
	d, _, err := t.cover()
	return d.Object, err
}

func (t *tamperer) digestForged() (string, error) {
	d, body, err := t.cover()
	if err != nil {
		return d.Object, err
	}
	return d.Object, t.sign(d.Object, d.link(newSigner(t.seed+1), body).signature)
}

func (t *tamperer) sign(key, signature string) error {
	return os.WriteFile(t.file(key+".signature"), []byte(signature+"\n"), 0o600)
}

func (t *tamperer) deleteDigests(from, n int) (string, error) {
	for _, key := range t.digests[from : from+n] {
		if err := os.Remove(t.file(key)); err != nil {
			return key, err
		}
		if err := os.Remove(t.file(key + ".signature")); err != nil {
			return key, err
		}
	}
	return t.digests[from], nil
}

func (t *tamperer) signatureChanged() (string, error) {
	key := t.digests[len(t.digests)/2]
	text, err := os.ReadFile(t.file(key + ".signature"))
	if err != nil {
		return key, err
	}
	turned := bytes.TrimSpace(text)
	slices.Reverse(turned)
	return key, t.sign(key, string(turned))
}

func (t *tamperer) signaturesLost() (string, error) {
	var all []string
	for _, pattern := range []string{"*.signature", "*.metadata.json"} {
		list, err := filepath.Glob(filepath.Join(t.dir, "AWSLogs/*/*/CloudTrail-Digest/*/*/*/*", pattern))
		if err != nil {
			return "", err
		}
		all = append(all, list...)
	}
	for _, name := range all {
		if err := os.Remove(name); err != nil {
			return "", err
		}
	}
	return "AWSLogs", nil
}

// resign has a chain go on from a digest, after a link, signed by s.
func (t *tamperer) resign(from int, after link, s *signer) error {
	for i := from; i < len(t.digests); i++ {
		d, err := t.digest(i)
		if err != nil {
			return err
		}
		d.Fingerprint = s.fingerprint
		d.follow(after)
		body, err := json.Marshal(d)
		if err != nil {
			return err
		}
		after = d.link(s, body)
		if err := errors.Join(t.write(d.Object, body), t.sign(d.Object, after.signature)); err != nil {
			return err
		}
	}
	return nil
}

func (t *tamperer) restart() (string, error) {
	const off = 3
	from := len(t.digests) / 2
	for i := from; i < from+off; i++ {
		d, err := t.digest(i)
		if err != nil {
			return "", err
		}
		for _, l := range d.LogFiles {
			if err := os.Remove(t.file(l.Object)); err != nil {
				return "", err
			}
		}
	}
	if _, err := t.deleteDigests(from, off); err != nil {
		return "", err
	}
	return t.digests[from+off], t.resign(from+off, link{}, newSigner(t.seed))
}

func (t *tamperer) unknownKey() (string, error) {
	from := len(t.digests) - 6
	d, err := t.digest(from)
	if err != nil {
		return "", err
	}
	return d.Object, t.resign(from, link{*d.PreviousObject, *d.PreviousHash, *d.PreviousSignature}, newSigner(t.seed+1))
}
