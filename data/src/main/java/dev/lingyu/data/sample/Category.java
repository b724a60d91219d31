package dev.lingyu.data.sample;

import java.util.List;

/// A product category.
///
/// @param id          file name of its products
/// @param name        Chinese name, the last part of every product's name
/// @param path        levels from the root to this category
/// @param description one clause on what it is and what matters when buying
/// @param contains    its kinds
/// @param attributes  the columns of its product file, after price
/// @param asked       the attributes asked in training and tests, most important first
/// @param needs       sentences of customers who need this category and don't name it
public record Category(
        String id,
        String name,
        List<String> path,
        String description,
        List<String> contains,
        List<Attribute> attributes,
        List<Attribute> asked,
        List<String> needs) {}
