package send

import (
	"context"
	"strings"
	"time"

	"bluetrail/internal/alert/message"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

// maxNotification bounds a message of SNS, which takes 256 KiB with its attributes.
const maxNotification = 250 << 10

type notifier struct {
	o      *Output
	client *sns.Client
}

func newSNS(o *Output) (Sender, error) { return &notifier{o: o}, nil }

// Send implements Sender.
func (n *notifier) Send(ctx context.Context, b *message.Batch) (string, error) {
	if n.client == nil {
		cfg, err := credentials(ctx, n.o.Region)
		if err != nil {
			return "", err
		}
		n.client = sns.NewFromConfig(cfg, func(c *sns.Options) { c.BaseEndpoint = endpoint(n.o) })
	}
	title, text, err := n.o.both(b, message.Text, message.Text)
	if err != nil {
		return "", err
	}
	body := title + "\n\n" + text
	if n.o.Format != "text" {
		data, err := document(n.o.Format, b, time.Now())
		if err != nil {
			return "", err
		}
		if body = string(data); len(body) > maxNotification {
			return "", &Failure{Reason: "the message is larger than SNS takes", Final: true}
		}
	}
	in := &sns.PublishInput{TopicArn: aws.String(n.o.Topic), Message: aws.String(body), Subject: aws.String(subject(title)), MessageAttributes: map[string]types.MessageAttributeValue{}}
	attribute := func(name, value string) {
		if value != "" {
			in.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(value)}
		}
	}
	attribute("id", b.Key)
	attribute("severity", string(message.Severity(b.Messages)))
	if len(b.Messages) == 1 && b.Messages[0].Alert != nil {
		attribute("change", string(b.Messages[0].Change))
		attribute("rule", message.Plain(b.Messages[0].Alert.Rule))
	}
	if strings.HasSuffix(n.o.Topic, ".fifo") {
		in.MessageGroupId, in.MessageDeduplicationId = aws.String(n.group(b)), aws.String(b.Key)
	}
	out, err := n.client.Publish(ctx, in)
	if err != nil {
		return "", answered(err)
	}
	return "message " + aws.ToString(out.MessageId), nil
}

// group keeps the order of what is said of one alert.
func (n *notifier) group(b *message.Batch) string {
	if len(b.Messages) == 1 {
		return incident(&b.Messages[0])
	}
	return n.o.Name
}

// subject returns a subject as SNS takes it: ASCII, at most 99 characters, not beginning
// with a space.
func subject(s string) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, "[bluetrail] "+s))
	return s[:min(len(s), 99)]
}
