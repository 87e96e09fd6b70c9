# CloudTrail for bluetrail: a trail of all regions, its bucket and key, a queue that announces
# each new file, and a role that may read them and nothing else.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80"
    }
  }
}

variable "trail_name" {
  type        = string
  default     = "bluetrail"
  description = "Name of the trail; all other names begin with it."
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,20}[a-z0-9]$", var.trail_name))
    error_message = "Use 3 to 22 lowercase letters, digits and hyphens."
  }
}

variable "organization_id" {
  type        = string
  default     = ""
  description = "Record all accounts of this organization (o-…). Apply in its management account. Empty records this account only."
  validation {
    condition     = can(regex("^(o-[a-z0-9]{10,32})?$", var.organization_id))
    error_message = "Write o- and 10 to 32 lowercase letters and digits."
  }
}

variable "reader_principal_arn" {
  type        = string
  description = "Who runs bluetrail and may assume the read role."
}

variable "external_id" {
  type        = string
  sensitive   = true
  description = "The external ID that bluetrail gives when it assumes the role."
  validation {
    condition     = length(var.external_id) >= 16
    error_message = "Use at least 16 characters."
  }
}

variable "data_events" {
  type        = string
  default     = "none"
  description = "Data events to record: none, s3 or s3-and-lambda. They cost money for each event."
  validation {
    condition     = contains(["none", "s3", "s3-and-lambda"], var.data_events)
    error_message = "Use none, s3 or s3-and-lambda."
  }
}

variable "network_activity_events" {
  type        = string
  default     = "none"
  description = "denied records calls that VPC endpoints refuse for S3, EC2, KMS, Secrets Manager and CloudTrail. They cost money for each event."
  validation {
    condition     = contains(["none", "denied"], var.network_activity_events)
    error_message = "Use none or denied."
  }
}

variable "retention_days" {
  type        = number
  default     = 400
  description = "How long the bucket keeps files."
  validation {
    condition     = var.retention_days >= 91
    error_message = "Use at least 91: files move to a colder class after 90 days."
  }
}

variable "object_lock_days" {
  type        = number
  default     = 0
  description = "For this long nobody can delete or change a file (S3 Object Lock in governance mode). 0 switches it off; it can only be chosen when the bucket is made."
}

data "aws_caller_identity" "me" {}
data "aws_partition" "here" {}
data "aws_region" "here" {}

locals {
  account     = data.aws_caller_identity.me.account_id
  partition   = data.aws_partition.here.partition
  region      = data.aws_region.here.name
  bucket_name = "${var.trail_name}-${local.account}-${local.region}"
  trail_arn   = "arn:${local.partition}:cloudtrail:${local.region}:${local.account}:trail/${var.trail_name}"
}

resource "aws_kms_key" "trail" {
  description         = "Encrypts the files of the trail"
  enable_key_rotation = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Account"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "CloudTrailEncrypts"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "kms:GenerateDataKey*"
        Resource  = "*"
        Condition = {
          StringEquals = { "aws:SourceArn" = local.trail_arn }
          StringLike   = { "kms:EncryptionContext:aws:cloudtrail:arn" = "arn:${local.partition}:cloudtrail:*:${local.account}:trail/*" }
        }
      },
      {
        Sid       = "CloudTrailDescribes"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "kms:DescribeKey"
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceArn" = local.trail_arn } }
      },
      {
        Sid       = "S3Announces"
        Effect    = "Allow"
        Principal = { Service = "s3.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
      },
    ]
  })
  lifecycle { prevent_destroy = true }
}

resource "aws_kms_alias" "trail" {
  name          = "alias/${var.trail_name}"
  target_key_id = aws_kms_key.trail.key_id
}

resource "aws_s3_bucket" "trail" {
  bucket              = local.bucket_name
  object_lock_enabled = var.object_lock_days > 0
  lifecycle { prevent_destroy = true }
}

resource "aws_s3_bucket_public_access_block" "trail" {
  bucket                  = aws_s3_bucket.trail.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "trail" {
  bucket = aws_s3_bucket.trail.id
  rule { object_ownership = "BucketOwnerEnforced" }
}

resource "aws_s3_bucket_versioning" "trail" {
  bucket = aws_s3_bucket.trail.id
  versioning_configuration { status = "Enabled" }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "trail" {
  bucket = aws_s3_bucket.trail.id
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.trail.arn
    }
  }
}

resource "aws_s3_bucket_object_lock_configuration" "trail" {
  count      = var.object_lock_days > 0 ? 1 : 0
  bucket     = aws_s3_bucket.trail.id
  depends_on = [aws_s3_bucket_versioning.trail]
  rule {
    default_retention {
      mode = "GOVERNANCE"
      days = var.object_lock_days
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "trail" {
  bucket     = aws_s3_bucket.trail.id
  depends_on = [aws_s3_bucket_versioning.trail]
  rule {
    id     = "keep"
    status = "Enabled"
    filter {}
    transition {
      storage_class = "GLACIER_IR"
      days          = 90
    }
    expiration { days = var.retention_days }
    noncurrent_version_expiration { noncurrent_days = 30 }
    abort_incomplete_multipart_upload { days_after_initiation = 7 }
  }
}

resource "aws_s3_bucket_policy" "trail" {
  bucket     = aws_s3_bucket.trail.id
  depends_on = [aws_s3_bucket_public_access_block.trail]
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "CloudTrailChecks"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "s3:GetBucketAcl"
        Resource  = aws_s3_bucket.trail.arn
        Condition = { StringEquals = { "aws:SourceArn" = local.trail_arn } }
      },
      {
        Sid       = "CloudTrailWrites"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource = concat(
          ["${aws_s3_bucket.trail.arn}/AWSLogs/${local.account}/*"],
          var.organization_id == "" ? [] : ["${aws_s3_bucket.trail.arn}/AWSLogs/${var.organization_id}/*"],
        )
        Condition = {
          StringEquals = {
            "s3:x-amz-acl"  = "bucket-owner-full-control"
            "aws:SourceArn" = local.trail_arn
          }
        }
      },
      {
        Sid       = "OnlyTLS"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.trail.arn, "${aws_s3_bucket.trail.arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_s3_bucket_notification" "trail" {
  bucket     = aws_s3_bucket.trail.id
  depends_on = [aws_sns_topic_policy.trail]
  topic {
    topic_arn     = aws_sns_topic.trail.arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = "AWSLogs/"
    filter_suffix = ".json.gz"
  }
}

resource "aws_sns_topic" "trail" {
  name              = var.trail_name
  kms_master_key_id = aws_kms_key.trail.arn
}

resource "aws_sns_topic_policy" "trail" {
  arn = aws_sns_topic.trail.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "S3Announces"
        Effect    = "Allow"
        Principal = { Service = "s3.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.trail.arn
        Condition = {
          StringEquals = { "aws:SourceAccount" = local.account }
          ArnEquals    = { "aws:SourceArn" = "arn:${local.partition}:s3:::${local.bucket_name}" }
        }
      },
    ]
  })
}

resource "aws_sqs_queue" "trail" {
  name                       = var.trail_name
  sqs_managed_sse_enabled    = true
  message_retention_seconds  = 1209600
  visibility_timeout_seconds = 300
  receive_wait_time_seconds  = 20
  redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letters.arn, maxReceiveCount = 20 })
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.trail_name}-dead-letters"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 1209600
}

resource "aws_sqs_queue_policy" "trail" {
  queue_url = aws_sqs_queue.trail.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TopicSends"
        Effect    = "Allow"
        Principal = { Service = "sns.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = aws_sqs_queue.trail.arn
        Condition = { ArnEquals = { "aws:SourceArn" = aws_sns_topic.trail.arn } }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "trail" {
  topic_arn            = aws_sns_topic.trail.arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.trail.arn
  raw_message_delivery = true
  depends_on           = [aws_sqs_queue_policy.trail]
}

resource "aws_cloudtrail" "trail" {
  name                          = var.trail_name
  s3_bucket_name                = aws_s3_bucket.trail.id
  kms_key_id                    = aws_kms_key.trail.arn
  enable_logging                = true
  is_multi_region_trail         = true
  include_global_service_events = true
  enable_log_file_validation    = true
  is_organization_trail         = var.organization_id != ""
  depends_on                    = [aws_s3_bucket_policy.trail]

  advanced_event_selector {
    name = "Management events"
    field_selector {
      field  = "eventCategory"
      equals = ["Management"]
    }
  }

  dynamic "advanced_event_selector" {
    for_each = var.data_events == "none" ? [] : ["s3"]
    content {
      name = "Objects of all buckets but the trail's own"
      field_selector {
        field  = "eventCategory"
        equals = ["Data"]
      }
      field_selector {
        field  = "resources.type"
        equals = ["AWS::S3::Object"]
      }
      field_selector {
        field           = "resources.ARN"
        not_starts_with = ["${aws_s3_bucket.trail.arn}/"]
      }
    }
  }

  dynamic "advanced_event_selector" {
    for_each = var.data_events == "s3-and-lambda" ? ["lambda"] : []
    content {
      name = "Invocations of Lambda functions"
      field_selector {
        field  = "eventCategory"
        equals = ["Data"]
      }
      field_selector {
        field  = "resources.type"
        equals = ["AWS::Lambda::Function"]
      }
    }
  }

  dynamic "advanced_event_selector" {
    for_each = var.network_activity_events == "none" ? [] : ["s3", "ec2", "kms", "secretsmanager", "cloudtrail"]
    content {
      name = "Calls to ${advanced_event_selector.value} that VPC endpoints refuse"
      field_selector {
        field  = "eventCategory"
        equals = ["NetworkActivity"]
      }
      field_selector {
        field  = "eventSource"
        equals = ["${advanced_event_selector.value}.amazonaws.com"]
      }
      field_selector {
        field  = "errorCode"
        equals = ["VpceAccessDenied"]
      }
    }
  }
}

resource "aws_iam_role" "reader" {
  name                 = "${var.trail_name}-reader"
  description          = "What bluetrail assumes to read the trail"
  max_session_duration = 43200
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { AWS = var.reader_principal_arn }
        Action    = "sts:AssumeRole"
        Condition = { StringEquals = { "sts:ExternalId" = var.external_id } }
      },
    ]
  })
}

resource "aws_iam_role_policy" "reader" {
  name = "read"
  role = aws_iam_role.reader.id
  policy = jsonencode({
    Version = "2012-10-17"
    # BEGIN statements: generated from internal/aws/permission by go test ./deploy/aws -update
    Statement = [
      {
        Sid      = "ReadObjectsOfBucket"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = aws_s3_bucket.trail.arn
      },
      {
        Sid      = "ReadObjectsOfObjects"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource = "${aws_s3_bucket.trail.arn}/*"
      },
      {
        Sid      = "ReadObjectsOfKey"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = aws_kms_key.trail.arn
      },
      {
        Sid      = "ReadQueueOfQueue"
        Effect   = "Allow"
        Action   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage"]
        Resource = [aws_sqs_queue.trail.arn, aws_sqs_queue.dead_letters.arn]
      },
      {
        Sid      = "VerifyLogs"
        Effect   = "Allow"
        Action   = ["cloudtrail:ListPublicKeys"]
        Resource = "*"
      },
      {
        Sid      = "ReadEventHistory"
        Effect   = "Allow"
        Action   = ["cloudtrail:LookupEvents"]
        Resource = "*"
      },
      {
        Sid      = "InspectTrail"
        Effect   = "Allow"
        Action   = ["cloudtrail:DescribeTrails"]
        Resource = "*"
      },
      {
        Sid      = "InspectTrailOfBucket"
        Effect   = "Allow"
        Action   = ["s3:GetBucketPolicy", "s3:GetBucketPublicAccessBlock", "s3:GetBucketVersioning", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration"]
        Resource = aws_s3_bucket.trail.arn
      },
      {
        Sid      = "InspectTrailOfKey"
        Effect   = "Allow"
        Action   = ["kms:DescribeKey", "kms:GetKeyPolicy"]
        Resource = aws_kms_key.trail.arn
      },
      {
        Sid      = "InspectTrailOfQueue"
        Effect   = "Allow"
        Action   = ["sqs:GetQueueAttributes"]
        Resource = [aws_sqs_queue.trail.arn, aws_sqs_queue.dead_letters.arn]
      },
      {
        Sid      = "InspectTrailOfTrail"
        Effect   = "Allow"
        Action   = ["cloudtrail:GetEventSelectors", "cloudtrail:GetTrailStatus"]
        Resource = local.trail_arn
      },
      {
        Sid      = "ReadOrganization"
        Effect   = "Allow"
        Action   = ["organizations:ListAccounts"]
        Resource = "*"
      },
    ]
    # END statements
  })
}

output "bucket_name" { value = aws_s3_bucket.trail.id }
output "queue_url" { value = aws_sqs_queue.trail.url }
output "dead_letter_queue_url" { value = aws_sqs_queue.dead_letters.url }
output "role_arn" { value = aws_iam_role.reader.arn }
output "trail_arn" { value = aws_cloudtrail.trail.arn }
output "key_arn" { value = aws_kms_key.trail.arn }
