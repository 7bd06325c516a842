"""The stages of a review, a file each: scan, analyze, publish, conclude.

`workers.review.stage` guards them; what they hand on lies in Redis under the review's id.
"""
