"""Cloud Run and IAM, through gcloud."""
