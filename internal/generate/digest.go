package generate

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

const (
	trailName  = "organisation-trail"
	homeRegion = "us-east-1"
)

// digest is a digest file, in the fields and order of CloudTrail's own.
type digest struct {
	AccountID             string    `json:"awsAccountId"`
	Start                 string    `json:"digestStartTime"`
	End                   string    `json:"digestEndTime"`
	Bucket                string    `json:"digestS3Bucket"`
	Object                string    `json:"digestS3Object"`
	Fingerprint           string    `json:"digestPublicKeyFingerprint"`
	Algorithm             string    `json:"digestSignatureAlgorithm"`
	NewestEvent           *string   `json:"newestEventTime"`
	OldestEvent           *string   `json:"oldestEventTime"`
	PreviousBucket        *string   `json:"previousDigestS3Bucket"`
	PreviousObject        *string   `json:"previousDigestS3Object"`
	PreviousHash          *string   `json:"previousDigestHashValue"`
	PreviousHashAlgorithm *string   `json:"previousDigestHashAlgorithm"`
	PreviousSignature     *string   `json:"previousDigestSignature"`
	LogFiles              []logFile `json:"logFiles"`
}

type logFile struct {
	Bucket      string `json:"s3Bucket"`
	Object      string `json:"s3Object"`
	Hash        string `json:"hashValue"` // of the file before compression
	Algorithm   string `json:"hashAlgorithm"`
	NewestEvent string `json:"newestEventTime"`
	OldestEvent string `json:"oldestEventTime"`
}

const timeFormat = "2006-01-02T15:04:05Z"

// chain is the digest files of one lane, each of which names and vouches for
// the one before. Hours may be handed in in any order; they are written in turn.
type chain struct {
	mu      sync.Mutex
	waiting map[int][]logFile
	next    int // hour of the period, from 0

	standard, backfill link
}

// link is what the next digest of a chain says of the one before it.
type link struct{ object, hash, signature string }

// Hours of the period for which the first lane has backfill digests, if any does.
const (
	firstBackfill = 24
	lastBackfill  = 29
	backfillDelay = 72 * time.Hour // from the end of the hour to when its backfill digest is made
)

// deliver hands in the log files of an hour and writes the digests that are due.
func (c *chain) deliver(w *writer, out *output, l *lane, hours int, files []logFile) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting[hours] = files
	for {
		files, ok := c.waiting[c.next]
		if !ok {
			return nil
		}
		if err := w.ctx.Err(); err != nil {
			return err
		}
		delete(c.waiting, c.next)
		if err := c.write(w, out, l, files); err != nil {
			return err
		}
		c.next++
	}
}

func (c *chain) write(w *writer, out *output, l *lane, files []logFile) error {
	// Each lane has its own moment in the hour, between two deliveries.
	start := time.Unix(w.trail.first+int64(c.next)*hour+slot+int64(l.index%4)*60+31, 0).UTC()
	end := start.Add(time.Hour)
	object := fmt.Sprintf("AWSLogs/%s/%s/CloudTrail-Digest/%s/%s/%s_CloudTrail-Digest_%s_%s_%s_%s", w.trail.org.id, l.account.id, l.region,
		end.Format("2006/01/02"), l.account.id, l.region, trailName, homeRegion, end.Format("20060102T150405Z"))
	d := digest{AccountID: l.account.id, Start: start.Format(timeFormat), End: end.Format(timeFormat), Bucket: w.trail.org.bucket, Object: object + ".json.gz",
		Fingerprint: w.signer.fingerprint, Algorithm: "SHA256withRSA", LogFiles: files}
	if d.LogFiles == nil {
		d.LogFiles = []logFile{}
	}
	for i := range files {
		// The form of these times sorts as text.
		if d.OldestEvent == nil || files[i].OldestEvent < *d.OldestEvent {
			d.OldestEvent = &files[i].OldestEvent
		}
		if d.NewestEvent == nil || files[i].NewestEvent > *d.NewestEvent {
			d.NewestEvent = &files[i].NewestEvent
		}
	}
	out.digests++
	if err := d.write(out, w.signer, &c.standard, func(signature string) error {
		return out.put(d.Object+".signature", []byte(signature+"\n"))
	}); err != nil {
		return err
	}
	if !w.trail.cfg.Backfill || l.index != 0 || c.next < firstBackfill || c.next > lastBackfill {
		return nil
	}
	out.digests++
	d.Object = object + "_backfill.json.gz"
	return d.write(out, w.signer, &c.backfill, func(signature string) error {
		head, err := json.Marshal(map[string]any{"Metadata": map[string]string{
			"signature": signature, "backfill-generation-timestamp": end.Add(backfillDelay).Format(timeFormat),
		}})
		if err != nil {
			return err
		}
		return out.put(d.Object+".metadata.json", head)
	})
}

// write writes the digest that follows a link, hands its signature to keep, and makes
// the link that of the next one.
func (d *digest) write(out *output, s *signer, l *link, keep func(signature string) error) error {
	d.follow(*l)
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if _, err := out.compressed(d.Object, body); err != nil {
		return err
	}
	*l = d.link(s, body)
	return keep(l.signature)
}

// follow has the digest name the one before it; an empty link has it begin a chain.
func (d *digest) follow(l link) {
	d.PreviousBucket, d.PreviousObject, d.PreviousHash, d.PreviousHashAlgorithm, d.PreviousSignature = nil, nil, nil, nil, nil
	if l.object != "" {
		algorithm := "SHA-256"
		d.PreviousBucket, d.PreviousObject, d.PreviousHash, d.PreviousHashAlgorithm, d.PreviousSignature = &d.Bucket, &l.object, &l.hash, &algorithm, &l.signature
	}
}

// link signs the digest, whose content is body, and returns what the next one says of it.
func (d *digest) link(s *signer, body []byte) link {
	sum := sha256.Sum256(body)
	hash, before := hex.EncodeToString(sum[:]), "null"
	if d.PreviousSignature != nil {
		before = *d.PreviousSignature
	}
	return link{d.Object, hash, s.sign(d.End + "\n" + d.Bucket + "/" + d.Object + "\n" + hash + "\n" + before)}
}
