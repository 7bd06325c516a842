# frozen_string_literal: true

class Order < ApplicationRecord
  belongs_to :customer
  has_many :items, dependent: :destroy

  def total
    total_cents / 100r
  end
end
