"""The steps of a review, each over the folder that does the work.

What they share stands in `workers.review.stage`; what they hand on lies in Redis under the
review's id.
"""
