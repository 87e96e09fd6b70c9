package inspect

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"bluetrail/internal/aws"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func (k *check) bucket(name string) {
	about, c := "bucket "+name, k.s3.S3()
	most := int32(50)
	objects, err := c.ListObjectsV2(k.ctx, &s3.ListObjectsV2Input{Bucket: &name, MaxKeys: &most})
	if err != nil {
		k.add(Problem, about, "it cannot be listed: "+aws.Explain(err).Error(), "allow s3:ListBucket on the bucket in the role's policy, and in the bucket's if it is another account's")
		if code(err) == "NoSuchBucket" {
			return
		}
	} else {
		k.add(Fine, about, "it can be listed", "")
		k.read(about, name, objects.Contents)
	}
	if out, err := c.GetPublicAccessBlock(k.ctx, &s3.GetPublicAccessBlockInput{Bucket: &name}); err != nil && code(err) != "NoSuchPublicAccessBlockConfiguration" {
		k.failed(about, "s3:GetBucketPublicAccessBlock", err)
	} else if b := blocked(out); b {
		k.add(Fine, about, "public access is blocked", "")
	} else {
		k.add(Problem, about, "public access is not blocked", "aws s3api put-public-access-block --bucket %s --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true", name)
	}
	if out, err := c.GetBucketPolicy(k.ctx, &s3.GetBucketPolicyInput{Bucket: &name}); err != nil {
		if code(err) == "NoSuchBucketPolicy" {
			k.add(Problem, about, "it has no policy, so CloudTrail cannot write to it", "give it the policy of deploy/aws")
		} else {
			k.failed(about, "s3:GetBucketPolicy", err)
		}
	} else {
		k.bucketPolicy(about, sdk.ToString(out.Policy))
	}
	if out, err := c.GetBucketVersioning(k.ctx, &s3.GetBucketVersioningInput{Bucket: &name}); err != nil {
		k.failed(about, "s3:GetBucketVersioning", err)
	} else if out.Status != types.BucketVersioningStatusEnabled {
		k.add(Advice, about, "versioning is off, so a file that is replaced or deleted is gone", "aws s3api put-bucket-versioning --bucket %s --versioning-configuration Status=Enabled", name)
	}
	if out, err := c.GetBucketEncryption(k.ctx, &s3.GetBucketEncryptionInput{Bucket: &name}); err == nil && out.ServerSideEncryptionConfiguration != nil {
		for _, r := range out.ServerSideEncryptionConfiguration.Rules {
			if d := r.ApplyServerSideEncryptionByDefault; d != nil && sdk.ToString(d.KMSMasterKeyID) != "" {
				k.keys = append(k.keys, sdk.ToString(d.KMSMasterKeyID))
			}
		}
	} else if err != nil && code(err) != "ServerSideEncryptionConfigurationNotFoundError" {
		k.failed(about, "s3:GetEncryptionConfiguration", err)
	}
	if _, err := c.GetBucketLifecycleConfiguration(k.ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &name}); code(err) == "NoSuchLifecycleConfiguration" {
		k.add(Advice, about, "it has no lifecycle rule, so files are kept for ever at the full price", "give it one; see deploy/aws")
	} else if err != nil {
		k.failed(about, "s3:GetLifecycleConfiguration", err)
	}
}

// read reads the first byte of a log file: that takes the permissions of the bucket and
// of its key.
func (k *check) read(about, bucket string, objects []types.Object) {
	for i := range objects {
		key := sdk.ToString(objects[i].Key)
		if !strings.HasSuffix(key, ".json.gz") {
			continue
		}
		first := "bytes=0-0"
		out, err := k.s3.S3().GetObject(k.ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key, Range: &first})
		if err == nil {
			_, err = io.Copy(io.Discard, io.LimitReader(out.Body, 1))
			out.Body.Close()
		}
		if err != nil {
			k.add(Problem, about, "its files cannot be read: "+aws.Explain(err).Error(), "allow s3:GetObject on %s/* and kms:Decrypt on the key, in the role's policy and in the key's", bucket)
		} else {
			k.add(Fine, about, "its files can be read", "")
		}
		return
	}
	k.add(Advice, about, "there is no log file among the first objects, so it is not known whether files can be read", "")
}

func blocked(out *s3.GetPublicAccessBlockOutput) bool {
	if out == nil || out.PublicAccessBlockConfiguration == nil {
		return false
	}
	b := out.PublicAccessBlockConfiguration
	return sdk.ToBool(b.BlockPublicAcls) && sdk.ToBool(b.BlockPublicPolicy) && sdk.ToBool(b.IgnorePublicAcls) && sdk.ToBool(b.RestrictPublicBuckets)
}

// policy reads a policy and reports what it lets everybody do; ok is false if it cannot be
// read.
func (k *check) policy(about, doc string) (p policy, ok bool) {
	if err := json.Unmarshal([]byte(doc), &p); err != nil {
		k.add(Unknown, about, "its policy cannot be read: "+err.Error(), "")
		return policy{}, false
	}
	if open := p.anyone(); len(open) > 0 {
		k.add(Problem, about, "its policy lets everybody do "+strings.Join(open, ", "), "remove the statements with Principal * and without a condition")
	}
	return p, true
}

func (k *check) bucketPolicy(about, doc string) {
	p, ok := k.policy(about, doc)
	if !ok {
		return
	}
	switch may, narrow := p.service("s3:PutObject", "cloudtrail.amazonaws.com"); {
	case !may:
		k.add(Problem, about, "its policy does not let CloudTrail write to it", "add the statements CloudTrailChecks and CloudTrailWrites of deploy/aws")
	case !narrow:
		k.add(Problem, about, "its policy lets CloudTrail write for any account: somebody else's trail can fill it with forged files", "add the condition StringEquals aws:SourceArn with the ARN of the trail")
	default:
		k.add(Fine, about, "its policy lets CloudTrail write for its own trail", "")
	}
	if !p.tlsOnly() {
		k.add(Advice, about, "its policy allows requests without TLS", "add the statement OnlyTLS of deploy/aws")
	}
}

// Bounds of what a queue should be set up with.
const (
	leastKept   = 4 * 24 * 3600 // seconds that messages are kept: over a weekend, and more
	leastHidden = 60
)

func (k *check) queue() {
	about := "queue " + queueName(k.src.Queue)
	out, err := k.c.SQS().GetQueueAttributes(k.ctx, &sqs.GetQueueAttributesInput{QueueUrl: &k.src.Queue, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll}})
	if err != nil {
		k.failed(about, "sqs:GetQueueAttributes", err)
		return
	}
	number := func(name string) int { n, _ := strconv.Atoi(out.Attributes[name]); return n }
	k.add(Fine, about, fmt.Sprintf("%d messages wait, %d are being worked on", number("ApproximateNumberOfMessages"), number("ApproximateNumberOfMessagesNotVisible")), "")
	p, ok := k.policy(about, cmp.Or(out.Attributes["Policy"], "{}"))
	switch may, narrow := p.service("sqs:SendMessage", "sns.amazonaws.com", "s3.amazonaws.com", "events.amazonaws.com"); {
	case !ok:
	case !may:
		k.add(Problem, about, "its policy lets neither SNS nor S3 nor EventBridge send to it, so no file is announced", "allow sqs:SendMessage for the service with the condition ArnEquals aws:SourceArn; see deploy/aws")
	case !narrow:
		k.add(Problem, about, "its policy lets a service send to it for any account: anybody can announce files", "add the condition ArnEquals aws:SourceArn with the ARN of the topic, bucket or rule")
	default:
		k.add(Fine, about, "its policy lets the announcing service send, for its own source", "")
	}
	if out.Attributes["RedrivePolicy"] == "" {
		k.add(Advice, about, "it has no dead-letter queue, so a message that cannot be worked on comes back until it expires", "aws sqs set-queue-attributes --queue-url %s --attributes RedrivePolicy=…; see deploy/aws", k.src.Queue)
	}
	if n := number("MessageRetentionPeriod"); n < leastKept {
		k.add(Advice, about, "it keeps messages for less than four days: what arrives while bluetrail is down for longer is not announced again",
			"aws sqs set-queue-attributes --queue-url %s --attributes MessageRetentionPeriod=1209600", k.src.Queue)
	}
	if n := number("VisibilityTimeout"); n < leastHidden {
		k.add(Advice, about, fmt.Sprintf("it hides messages for %d s only", n), "aws sqs set-queue-attributes --queue-url %s --attributes VisibilityTimeout=300", k.src.Queue)
	}
}

func (k *check) key(arn string) {
	about := "key " + arn
	if i := strings.LastIndexByte(arn, '/'); i >= 0 {
		about = "key " + arn[i+1:]
	}
	var described struct {
		KeyMetadata struct{ KeyState, KeyManager string }
	}
	in := map[string]any{"KeyId": arn}
	if err := k.c.JSON(k.ctx, "kms", "DescribeKey", regionOf(arn), in, &described); err != nil {
		k.failed(about, "kms:DescribeKey", err)
		return
	}
	m := described.KeyMetadata
	if m.KeyState != "Enabled" {
		k.add(Problem, about, "it is "+m.KeyState+", so files can be neither written nor read", "aws kms cancel-key-deletion or enable-key --key-id %s", arn)
		return
	}
	k.add(Fine, about, "it is enabled", "")
	if m.KeyManager == "AWS" {
		k.add(Advice, about, "it is AWS's own key, which other accounts cannot use", "encrypt with a key of your own if the reader is in another account")
		return
	}
	var doc struct{ Policy string }
	in["PolicyName"] = "default"
	if err := k.c.JSON(k.ctx, "kms", "GetKeyPolicy", regionOf(arn), in, &doc); err != nil {
		k.failed(about, "kms:GetKeyPolicy", err)
		return
	}
	p, ok := k.policy(about, doc.Policy)
	if !ok {
		return
	}
	switch may, narrow := p.service("kms:GenerateDataKey", "cloudtrail.amazonaws.com"); {
	case !may:
		k.add(Problem, about, "its policy does not let CloudTrail encrypt with it", "add the statements CloudTrailEncrypts and CloudTrailDescribes of deploy/aws")
	case !narrow:
		k.add(Advice, about, "its policy lets CloudTrail encrypt with it for any account", "add the condition StringEquals aws:SourceArn with the ARN of the trail")
	default:
		k.add(Fine, about, "its policy lets CloudTrail encrypt with it for its own trail", "")
	}
}
